"""A typed client of the services' HTTP interfaces, and the `trapper` command that scripts and people use."""
