# Copyright 2026 depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Configuration of navigation packages for one camera, as text by file name.

Parameter files are to be merged into those of the robot; launch files can be run as they are. A
test compares every name in them with the parameters that the packages declare.
"""

from __future__ import annotations

import math
from textwrap import dedent

from depth_ros.files.nav2_numbers import Z_VOXELS, Setup


def navigation_files(setup: Setup) -> dict[str, str]:
    """Return the text of every file by its name."""
    return {
        'depth_ros.yaml': _node(setup),
        'nav2_voxel_layer.yaml': _voxel_layer(setup),
        'nav2_stvl.yaml': _stvl(setup),
        'nav2_ground_consistency.yaml': _ground_consistency(setup),
        'nav2_collision_monitor.yaml': _collision_monitor(setup),
        'slam_toolbox.yaml': _slam_toolbox(setup),
        'level_frame.launch.yaml': _level_frame(setup),
        'rtabmap.launch.yaml': _rtabmap(setup),
        'nvblox.launch.yaml': _nvblox(setup),
    }


def _text(setup: Setup, what: str, body: str) -> str:
    """Return a file with its head: what it is, and the setup it was written for."""
    camera = setup.pinhole
    kind = f'stereo, baseline {setup.baseline:g} m' if setup.baseline else 'one view'
    head = [
        what,
        f'Written by `depth_ros nav2` for a camera of {camera.width}x{camera.height} pixels with '
        f'f = {camera.fx:g} px,',
        f'{setup.height:g} m above the floor, {math.degrees(setup.pitch):.1f} degrees down; '
        f'{kind}, {setup.rate:g} clouds per second.',
    ]
    return '\n'.join(f'# {line}' for line in head) + '\n' + dedent(body).lstrip('\n')


def _from(metres: float, what: str) -> str:
    if math.isinf(metres):
        return f'The image nowhere sees {what}'
    return f'From {metres:.2g} m on the image sees {what}'


def _node(s: Setup) -> str:
    return _text(
        s,
        f'depth_ros: give it to {s.node} as params_file.',
        f"""
        /**:
          ros__parameters:
            # The mount: level, ground and obstacles are measured from it.
            mount_height: {float(s.height)}
            mount_pitch: {float(s.pitch)}
            mount_roll: {float(s.roll)}
            # Obstacles are what is between these heights above the floor; the upper one is the
            # height of the robot. {_from(s.whole_from, 'as high as that')}: what was
            # marked higher than the image reaches when the robot is near stays in the costmap.
            obstacles_min_height: 0.1
            obstacles_max_height: {float(s.robot_height)}
            # Where rays end that meet nothing: a little farther than Nav2 clears
            # ({s.clear_range} m). {_from(s.floor_from, 'the floor')}.
            clearing_range: {s.ray_range}
            # As many rays as it takes: at {s.clear_range} m they are no farther apart than a cell.
            decimation_x: {s.decimation}
            decimation_y: {s.decimation}
            # Pixels that lie on no surface are the usual phantom obstacles.
            edge_threshold: 0.05
            # Glass and reflections have a low confidence where the model has one. Look at
            # ~/confidence before you set a limit: what is below it is neither marked nor cleared.
            # points_min_confidence: 0.5
            # A costmap is updated a few times a second; more clouds than that are for nothing.
            points_max_rate: {min(float(s.rate), 10.0)}
            scan_range_max: {s.clear_range}
            # ~/health is an error when the collision monitor would stop the robot for old data.
            source_timeout: {s.source_timeout}
            min_rate: {min(float(s.rate), 10.0) / 2}
        """,
    )


def _voxel_layer(s: Setup) -> str:
    top = s.z_resolution * Z_VOXELS
    return _text(
        s,
        'Nav2: a local costmap with a voxel layer that ~/obstacles mark and ~/free_points clear.',
        f"""
        local_costmap:
          local_costmap:
            ros__parameters:
              resolution: {s.resolution}
              plugins: ['voxel_layer', 'inflation_layer']
              voxel_layer:
                plugin: 'nav2_costmap_2d::VoxelLayer'
                enabled: true
                footprint_clearing_enabled: true
                origin_z: 0.0
                # {Z_VOXELS} layers up to {top:g} m, above the camera, or nothing would be cleared.
                z_voxels: {Z_VOXELS}
                z_resolution: {s.z_resolution}
                # Not 1: an obstacle within one layer would never be marked.
                mark_threshold: 0
                min_obstacle_height: -0.5
                max_obstacle_height: {top:.3f}
                observation_sources: mark clear
                mark:
                  topic: /obstacles
                  data_type: 'PointCloud2'
                  marking: true
                  clearing: false
                  # The node has left out the floor and what is above the robot.
                  min_obstacle_height: -0.5
                  max_obstacle_height: {top:.3f}
                  obstacle_min_range: 0.2
                  # The depth is off by {s.error_at(s.mark_range):.2g} m there.
                  obstacle_max_range: {s.mark_range}
                  # Nav2 complains when clouds are later than this, in seconds.
                  expected_update_rate: {s.source_timeout}
                clear:
                  topic: /free_points
                  data_type: 'PointCloud2'
                  marking: false
                  clearing: true
                  # All of it: rays into the sky end high up, and rays to a noisy floor below it.
                  min_obstacle_height: -10.0
                  max_obstacle_height: 100.0
                  # Farther than marking, or obstacles at its border are never taken back.
                  raytrace_min_range: 0.0
                  raytrace_max_range: {s.clear_range}
                  expected_update_rate: {s.source_timeout}
              inflation_layer:
                plugin: 'nav2_costmap_2d::InflationLayer'
                cost_scaling_factor: 3.0
                inflation_radius: 0.55
        """,
    )


def _stvl(s: Setup) -> str:
    across, down = s.field_of_view
    return _text(
        s,
        'Nav2: a local costmap with the spatio-temporal voxel layer (STVL).',
        f"""
        local_costmap:
          local_costmap:
            ros__parameters:
              plugins: ['stvl_layer', 'inflation_layer']
              stvl_layer:
                plugin: 'spatio_temporal_voxel_layer/SpatioTemporalVoxelLayer'
                enabled: true
                voxel_size: {s.resolution}
                # Voxels out of view are forgotten after so many seconds; 0 is linear decay.
                voxel_decay: 15.0
                decay_model: 0
                mark_threshold: 0
                update_footprint_enabled: true
                combination_method: 1
                transform_tolerance: 0.2
                observation_sources: mark clear
                mark:
                  data_type: PointCloud2
                  topic: /obstacles
                  marking: true
                  clearing: false
                  # The depth is off by {s.error_at(s.mark_range):.2g} m there.
                  obstacle_range: {s.mark_range}
                  min_obstacle_height: -0.5
                  max_obstacle_height: {max(s.height, s.robot_height) + 0.5:.2f}
                  # The node has thinned the cloud already.
                  filter: 'passthrough'
                  voxel_min_points: 0
                  clear_after_reading: true
                clear:
                  # STVL takes only the time and the pose of this cloud: what is in the frustum
                  # decays faster, hidden or not.
                  data_type: PointCloud2
                  topic: /free_points
                  marking: false
                  clearing: true
                  min_z: 0.2
                  max_z: {s.clear_range}
                  # A frustum that lies within the image, from the CameraInfo.
                  vertical_fov_angle: {down:.4f}
                  horizontal_fov_angle: {across:.4f}
                  decay_acceleration: 15.0
                  model_type: 0
              inflation_layer:
                plugin: 'nav2_costmap_2d::InflationLayer'
                cost_scaling_factor: 3.0
                inflation_radius: 0.55
        """,
    )


def _ground_consistency(s: Setup) -> str:
    return _text(
        s,
        'Nav2: a local costmap with the ground consistency layer, for terrain.',
        f"""
        local_costmap:
          local_costmap:
            ros__parameters:
              plugins: ['ground_consistency', 'inflation_layer']
              ground_consistency:
                plugin: 'nav2_ground_consistency_costmap_plugin::GroundConsistencyLayer'
                ground_points_topic: /ground
                nonground_points_topic: /obstacles
                # As obstacles_min_height of the node: what is lower is driven over.
                min_clearance: 0.1
                robot_height: {float(s.robot_height)}
                maximum_height_filter: {s.robot_height + 0.5:.2f}
                # The depth is off by {s.error_at(s.mark_range):.2g} m there.
                max_data_range: {s.mark_range}
              inflation_layer:
                plugin: 'nav2_costmap_2d::InflationLayer'
                cost_scaling_factor: 3.0
                inflation_radius: 0.55
        """,
    )


def _collision_monitor(s: Setup) -> str:
    return _text(
        s,
        'Nav2: a collision monitor that watches ~/obstacles.',
        f"""
        collision_monitor:
          ros__parameters:
            base_frame_id: '{s.base_frame}'
            odom_frame_id: '{s.odom_frame}'
            cmd_vel_in_topic: 'cmd_vel_smoothed'
            cmd_vel_out_topic: 'cmd_vel'
            state_topic: 'collision_monitor_state'
            transform_tolerance: 0.2
            # Older data STOP the robot: this is the time of four clouds. Measure the rate on the
            # robot (`ros2 topic hz /obstacles`) and give it as --rate.
            source_timeout: {s.source_timeout}
            stop_pub_timeout: 2.0
            polygons: ['FootprintApproach']
            FootprintApproach:
              type: 'polygon'
              action_type: 'approach'
              footprint_topic: 'local_costmap/published_footprint'
              time_before_collision: 1.2
              simulation_time_step: 0.1
              # More than one, so that a stray point does not stop the robot.
              min_points: 6
              visualize: false
              enabled: true
            observation_sources: ['obstacles']
            obstacles:
              type: 'pointcloud'
              topic: /obstacles
              # The cloud has a field `height`, above the ground below each point: right on ramps,
              # where the height above the robot's base is not.
              use_global_height: true
              min_height: 0.1
              max_height: {float(s.robot_height)}
              # Nearer points are parts of the robot itself.
              min_range: 0.2
              enabled: true
        """,
    )


def _slam_toolbox(s: Setup) -> str:
    return _text(
        s,
        'slam_toolbox: a map from ~/scan; run level_frame.launch.yaml beside it.',
        f"""
        slam_toolbox:
          ros__parameters:
            solver_plugin: solver_plugins::CeresSolver
            mode: mapping
            odom_frame: {s.odom_frame}
            map_frame: map
            base_frame: {s.base_frame}
            # The scan spans {math.degrees(s.scan_angle):.0f} degrees. Scan matching was made for
            # wider ones: it needs good odometry and slow turns.
            scan_topic: /scan
            resolution: {s.resolution}
            # Farther, the depth is off by more than {s.error_at(s.mark_range):.2g} m.
            max_laser_range: {s.mark_range}
            minimum_time_interval: {max(0.2, round(2 / s.rate, 2))}
            transform_timeout: 0.2
        """,
    )


def _level_frame(s: Setup) -> str:
    x, y, z, w = s.quaternion
    return _text(
        s,
        'The level frame of ~/scan and ~/range: `ros2 launch` it beside the depth node.',
        f"""
        launch:
        - node:
            pkg: tf2_ros
            exec: static_transform_publisher
            name: level_frame
            # Level at the camera, x forward: from mount_pitch and mount_roll.
            args: --frame-id {s.optical_frame} --child-frame-id {s.optical_frame}_level
              --qx {x:.6f} --qy {y:.6f} --qz {z:.6f} --qw {w:.6f}
        """,
    )


def _rtabmap(s: Setup) -> str:
    return _text(
        s,
        'rtabmap: odometry and mapping from the image and its depth.',
        f"""
        launch:
        - node:
            pkg: rtabmap_odom
            exec: rgbd_odometry
            param:
            - name: frame_id
              value: {s.base_frame}
            # Depth has the stamp of its image.
            - name: approx_sync
              value: false
            - name: wait_for_transform
              value: 0.2
            remap:
            # The image that the depth belongs to, rectified; then depth and its own calibration.
            - from: rgb/image
              to: /image_rect
            - from: rgb/camera_info
              to: /depth/camera_info
            - from: depth/image
              to: /depth/image_rect
        - node:
            pkg: rtabmap_slam
            exec: rtabmap
            args: -d
            param:
            - name: frame_id
              value: {s.base_frame}
            - name: subscribe_depth
              value: true
            - name: subscribe_rgb
              value: true
            - name: approx_sync
              value: false
            - name: wait_for_transform
              value: 0.2
            remap:
            - from: rgb/image
              to: /image_rect
            - from: rgb/camera_info
              to: /depth/camera_info
            - from: depth/image
              to: /depth/image_rect
        """,
    )


def _nvblox(s: Setup) -> str:
    return _text(
        s,
        'nvblox: a distance map from depth, whose stamps are those of its camera_info.',
        f"""
        launch:
        - node:
            pkg: nvblox_ros
            exec: nvblox_node
            param:
            - name: num_cameras
              value: 1
            - name: use_lidar
              value: false
            # For colour: true, and remaps of camera_0/color/image and camera_0/color/camera_info.
            - name: use_color
              value: false
            - name: global_frame
              value: {s.odom_frame}
            - name: voxel_size
              value: {s.resolution}
            # The depth is off by {s.error_at(s.mark_range):.2g} m there.
            - name: static_mapper.projective_integrator_max_integration_distance_m
              value: {s.mark_range}
            remap:
            - from: camera_0/depth/image
              to: /depth/image_rect
            - from: camera_0/depth/camera_info
              to: /depth/camera_info
        """,
    )
