"""The ROS 2 side: the only folder that imports ROS. Queues, clocks and messages; no tensors."""
