// Web servers, their clients and the server under test share the machine's cores: one test after the other.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
