"""What accounts say of themselves, and the devices they are logged in on."""
