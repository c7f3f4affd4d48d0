"""The enrolment of this worker: an enrolment token is exchanged for a credential."""
