public import ConnlogCore

// The transport is the sink's own: what the options say of it counts only where the sink has two, with and without TLS.

extension SyslogTCPSink {
    /// - Parameters:
    ///   - options: where to; over TCP, or over TLS where `transport` says so.
    ///   - log: gets what is to be said about connections and messages.
    public init(_ options: SyslogOptions, log: Log = .standardError) {
        self.init(options.over(options.transport.usesTLS ? .tls : .tcp), log: log.write)
    }
}

extension SyslogRELPSink {
    /// - Parameters:
    ///   - options: where to; over TLS where `transport` says so.
    ///   - log: gets what is to be said about connections and messages.
    public init(_ options: SyslogOptions, log: Log = .standardError) {
        self.init(options.over(options.transport.usesTLS ? .relpTLS : .relp), log: log.write)
    }
}

extension SyslogUDPSink {
    /// - Parameters:
    ///   - options: where to. `messages.bytesMax` should be 1180 or less, what every path takes (RFC 5426 §3.2).
    ///   - log: gets what is to be said about messages.
    public init(_ options: SyslogOptions, log: Log = .standardError) {
        self.init(options.over(.udp), log: log.write)
    }
}

extension SyslogUnixSink {
    /// - Parameters:
    ///   - options: where to is its `path`, `/dev/log` as a rule.
    ///   - log: gets what is to be said about the socket and messages.
    public init(_ options: SyslogOptions = SyslogOptions([]), log: Log = .standardError) {
        self.init(options.over(.unix), log: log.write)
    }
}

extension SyslogOptions {
    fileprivate func over(_ transport: Transport) -> SyslogOptions {
        var options = self
        options.transport = transport
        return options
    }
}
