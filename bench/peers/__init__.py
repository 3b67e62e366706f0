"""Systems to stand beside Teller in the same run."""
