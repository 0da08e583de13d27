# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Names of parameters, topics and executables that navigation packages have, with their types.

Read from the sources of 2026-08 (Nav2 at a3a97043) or what is cited beside them; only names that
a configuration of this package might use are listed. `float` is what rclcpp calls double: an
integer is refused there.
"""

# ros-navigation/navigation2: nav2_costmap_2d/src/costmap_2d_ros.cpp, getParameters
COSTMAP = {
    'resolution': float, 'width': int, 'height': int, 'rolling_window': bool, 'plugins': list,
    'global_frame': str, 'robot_base_frame': str, 'robot_radius': float, 'footprint': str,
    'update_frequency': float, 'publish_frequency': float, 'track_unknown_space': bool,
    'transform_tolerance': float,
}  # fmt: skip
# nav2_costmap_2d/plugins/obstacle_layer.cpp, onInitialize: of one source
SOURCE = {
    'topic': str, 'sensor_frame': str, 'observation_persistence': float,
    'expected_update_rate': float, 'data_type': str, 'min_obstacle_height': float,
    'max_obstacle_height': float, 'inf_is_valid': bool, 'marking': bool, 'clearing': bool,
    'transport_type': str, 'obstacle_max_range': float, 'obstacle_min_range': float,
    'raytrace_max_range': float, 'raytrace_min_range': float,
}  # fmt: skip
# nav2_costmap_2d/plugins/voxel_layer.cpp and obstacle_layer.cpp, onInitialize
VOXEL_LAYER = {
    'plugin': str, 'enabled': bool, 'footprint_clearing_enabled': bool,
    'min_obstacle_height': float, 'max_obstacle_height': float, 'z_voxels': int,
    'origin_z': float, 'z_resolution': float, 'unknown_threshold': int, 'mark_threshold': int,
    'combination_method': int, 'publish_voxel_map': bool, 'observation_sources': str,
    'tf_filter_tolerance': float,
}  # fmt: skip
# nav2_costmap_2d/plugins/inflation_layer.cpp, onInitialize
INFLATION_LAYER = {
    'plugin': str, 'enabled': bool, 'inflation_radius': float, 'cost_scaling_factor': float,
    'inflate_unknown': bool, 'inflate_around_unknown': bool,
}  # fmt: skip
# SteveMacenski/spatio_temporal_voxel_layer at 403d9ed7:
# src/spatio_temporal_voxel_layer.cpp, onInitialize
STVL = {
    'plugin': str, 'observation_sources': str, 'transform_tolerance': float, 'enabled': bool,
    'publish_voxel_map': bool, 'voxel_size': float, 'combination_method': int,
    'mark_threshold': int, 'update_footprint_enabled': bool, 'track_unknown_space': bool,
    'decay_model': int, 'voxel_decay': float, 'mapping_mode': bool, 'map_save_duration': float,
}  # fmt: skip
STVL_SOURCE = {
    'topic': str, 'sensor_frame': str, 'observation_persistence': float,
    'expected_update_rate': float, 'data_type': str, 'min_obstacle_height': float,
    'max_obstacle_height': float, 'inf_is_valid': bool, 'marking': bool, 'clearing': bool,
    'obstacle_range': float, 'min_z': float, 'max_z': float, 'vertical_fov_angle': float,
    'vertical_fov_padding': float, 'horizontal_fov_angle': float, 'decay_acceleration': float,
    'filter': str, 'voxel_min_points': int, 'clear_after_reading': bool, 'enabled': bool,
    'model_type': int,
}  # fmt: skip
# dfki-ric/nav2_ground_consistency_costmap_plugin at 41cec620:
# src/ground_consistency_layer.cpp, onInitialize
GROUND_CONSISTENCY = {
    'plugin': str, 'ground_points_topic': str, 'nonground_points_topic': str, 'tf_timeout': float,
    'ground_inc': float, 'nonground_inc': float, 'ground_decay': float, 'nonground_decay': float,
    'nonground_occ_thresh': float, 'nonground_prob_thresh': float, 'max_score': float,
    'min_clearance': float, 'robot_height': float, 'footprint_clearing_enabled': bool,
    'max_data_range': float, 'maximum_height_filter': float, 'discretize_costs': bool,
    'ground_neighbor_search_cells': int,
}  # fmt: skip
# nav2_collision_monitor/src/collision_monitor_node.cpp, getParameters
COLLISION_MONITOR = {
    'enabled': bool, 'cmd_vel_in_topic': str, 'cmd_vel_out_topic': str, 'state_topic': str,
    'base_frame_id': str, 'odom_frame_id': str, 'transform_tolerance': float,
    'source_timeout': float, 'base_shift_correction': bool, 'stop_pub_timeout': float,
    'polygons': list, 'observation_sources': list,
}  # fmt: skip
# nav2_collision_monitor/src/polygon.cpp, getCommonParameters
POLYGON = {
    'type': str, 'action_type': str, 'enabled': bool, 'min_points': int, 'slowdown_ratio': float,
    'time_before_collision': float, 'simulation_time_step': float, 'visualize': bool,
    'polygon_pub_topic': str, 'footprint_topic': str, 'points': str, 'sources_names': list,
}  # fmt: skip
# nav2_collision_monitor/src/source.cpp, getCommonParameters, and pointcloud.cpp, getParameters
MONITOR_CLOUD = {
    'type': str, 'topic': str, 'enabled': bool, 'source_timeout': float, 'min_height': float,
    'max_height': float, 'min_range': float, 'use_global_height': bool, 'transport_type': str,
}  # fmt: skip
# SteveMacenski/slam_toolbox at a3442d2f: src/slam_toolbox_common.cpp, setParams and setSolver;
# src/laser_utils.cpp; config/mapper_params_online_async.yaml for `mode`
SLAM_TOOLBOX = {
    'solver_plugin': str, 'odom_frame': str, 'map_frame': str, 'base_frame': str,
    'resolution': float, 'scan_topic': str, 'max_laser_range': float,
    'minimum_time_interval': float, 'transform_timeout': float, 'mode': str,
}  # fmt: skip
# introlab/rtabmap_ros at aec4f91f: rtabmap_odom/src/OdometryROS.cpp and nodelets/
# rgbd_odometry.cpp; rtabmap_sync/src/CommonDataSubscriber.cpp and impl/
# CommonDataSubscriberDepth.cpp; rtabmap_slam/src/CoreWrapper.cpp
RTABMAP = {
    'frame_id': str, 'approx_sync': bool, 'wait_for_transform': float, 'subscribe_depth': bool,
    'subscribe_rgb': bool, 'subscribe_scan': bool, 'topic_queue_size': int,
    'sync_queue_size': int,
}  # fmt: skip
# NVIDIA-ISAAC-ROS/isaac_ros_nvblox at 319438a0: nvblox_ros/include/nvblox_ros/node_params.hpp;
# nvblox_examples_bringup/config/nvblox/nvblox_base.yaml for static_mapper
NVBLOX = {
    'num_cameras': int, 'use_lidar': bool, 'use_color': bool, 'use_depth': bool,
    'global_frame': str, 'voxel_size': float,
    'static_mapper.projective_integrator_max_integration_distance_m': float,
}  # fmt: skip

# Subscriptions by package and executable, for remaps. nvblox_node.hpp: kDepthTopicBaseNames.
TOPICS = {
    ('rtabmap_odom', 'rgbd_odometry'): {'rgb/image', 'rgb/camera_info', 'depth/image'},
    ('rtabmap_slam', 'rtabmap'): {'rgb/image', 'rgb/camera_info', 'depth/image', 'odom', 'scan'},
    ('nvblox_ros', 'nvblox_node'): {
        'camera_0/depth/image', 'camera_0/depth/camera_info', 'camera_0/color/image',
        'camera_0/color/camera_info',
    },
    # ros2/geometry2: tf2_ros/src/static_transform_broadcaster_program.cpp
    ('tf2_ros', 'static_transform_publisher'): set(),
}  # fmt: skip
PARAMETERS = {
    ('rtabmap_odom', 'rgbd_odometry'): RTABMAP,
    ('rtabmap_slam', 'rtabmap'): RTABMAP,
    ('nvblox_ros', 'nvblox_node'): NVBLOX,
    ('tf2_ros', 'static_transform_publisher'): {},
}
PLUGINS = {
    'nav2_costmap_2d::VoxelLayer': (VOXEL_LAYER, SOURCE),
    'nav2_costmap_2d::InflationLayer': (INFLATION_LAYER, {}),
    'spatio_temporal_voxel_layer/SpatioTemporalVoxelLayer': (STVL, STVL_SOURCE),
    'nav2_ground_consistency_costmap_plugin::GroundConsistencyLayer': (GROUND_CONSISTENCY, {}),
}
