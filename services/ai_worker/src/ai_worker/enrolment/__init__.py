"""Who this worker is: the credential that an enrolment token buys."""
