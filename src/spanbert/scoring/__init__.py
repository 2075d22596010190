"""What a prediction is worth: counts, reports, intervals, calibration."""
