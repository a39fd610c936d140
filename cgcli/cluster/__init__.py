"""Tables, sweeps and trainings over the workers of a Dask cluster: the extra `cgcli[cluster]`."""
