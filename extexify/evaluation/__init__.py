"""How good a model is: metrics, evaluation records, error analysis, calibration."""
