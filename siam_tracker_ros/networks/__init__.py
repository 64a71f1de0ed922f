"""The networks: functions of tensors that hold no tracking state."""
