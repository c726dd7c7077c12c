/// connlog as a library: one import for programs that forward connection events with sources and sinks of their own.
///
/// `Pipeline` is where to begin. What is not re-exported here — the daemon, its configuration's plan, the tools, the store
/// and the server — is connlog's own program.
@_exported public import ConnlogConfig
@_exported public import ConnlogCore
@_exported public import ConnlogDelivery
@_exported public import ConnlogPipeline
@_exported public import ConnlogQueue
@_exported public import ConnlogSinks
@_exported public import ConnlogSources
@_exported public import ConnlogSystem
