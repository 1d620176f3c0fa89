"""Tests of properties that hold for every input, with generated inputs."""
