// Child processes share the machine's cores: tests that time out, measure or pipeline run one after the other.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
