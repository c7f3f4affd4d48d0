"""`trapper models`: what adds, installs, pins and tries models on the machine of the stack."""
