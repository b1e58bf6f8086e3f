"""What others' judges say of the running API: redbot of its HTTP and caching, schemathesis of its OpenAPI contract."""
