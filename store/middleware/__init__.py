"""What can be wrapped around an initializer, each in a file of its own."""
