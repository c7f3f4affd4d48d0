"""What runs the models: the workers and queues of the connected Managers, and the tasks of this service."""
