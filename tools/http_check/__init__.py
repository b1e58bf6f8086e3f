"""Other projects' checks of the running API: redbot for HTTP and caching, schemathesis for the OpenAPI contract."""
