"""How real are simulated tools? Measured against recorded answers of real ones, without a judge first."""
