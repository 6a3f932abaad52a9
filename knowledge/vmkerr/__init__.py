"""What a vmkernel status code means, by ESX release."""
