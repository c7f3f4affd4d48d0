"""The standalone stack: embedded servers, their supervisor, and the commands that start and stop it all."""
