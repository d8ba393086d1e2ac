"""What the system tests stand on: the door, the backends behind it, the clients in front of it."""
