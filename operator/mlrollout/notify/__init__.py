"""What people are told of what happens, and who is: pure, but for the file that a setting names."""
