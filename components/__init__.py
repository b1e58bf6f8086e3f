"""What `pulumi up` declares: one package per system, each with one component resource."""
