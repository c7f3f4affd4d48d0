"""The fleet: enrolment, credentials, orders and abilities of workers."""
