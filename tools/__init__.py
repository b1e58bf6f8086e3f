"""Programs that build and check this repository; nothing of it is deployed."""
