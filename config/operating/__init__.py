"""What whoever runs an installation needs: probes, metrics, a doctor, backups."""
