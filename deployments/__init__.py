"""The service: Prefect's server, an S3 store, workers and deployments, on one machine or several."""
