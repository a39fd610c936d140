"""Tables and sweeps over the workers of a Dask cluster: the extra `cgcli[cluster]`."""
