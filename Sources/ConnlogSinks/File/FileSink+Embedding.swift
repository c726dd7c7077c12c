public import ConnlogCore

extension FileSink {
    /// Touches no file; `open` does.
    /// - Parameters:
    ///   - options: the file, and how it is rotated and kept.
    ///   - log: gets what is to be said about the file.
    public init(_ options: FileSinkOptions, log: Log = .standardError) {
        self.init(options, log: log.write)
    }
}
