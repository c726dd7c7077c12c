import ConnlogCoder
import ConnlogConfig
import ConnlogCore
import Synchronization

/// Asks each `[directory] type = coder_api` for its names, beside everything else: events wait for no answer.
final class CoderQuestions: Sendable {
    private let names: NameDirectory
    private let version: String
    private let dataDirectory: String
    private let log: LogFunction
    private let asking = Mutex<[Task<Void, Never>]>([])

    /// - Parameter names: reads what is heard, and knows which ids nobody knows.
    init(_ names: NameDirectory, version: String, dataDirectory: String, log: @escaping LogFunction) {
        self.names = names
        self.version = version
        self.dataDirectory = dataDirectory
        self.log = log
    }

    /// Asks these from now on, at once: whoever has mended something need not wait for the next time.
    func use(_ sections: [Section]) {
        asking.withLock { asking in
            for task in asking { task.cancel() }
            asking = sections.compactMap(begin)
        }
    }

    private func begin(_ section: Section) -> Task<Void, Never>? {
        // Its mistakes have been told by the plan.
        guard let api = try? DirectorySection.api(section, version: version), let name = section.name else {
            return nil
        }
        let settings = CoderNames.Settings(
            name: name, api: api, file: NamesFile(name, in: dataDirectory), interval: section.duration("interval"))
        let coder = CoderNames(settings, misses: { [names] in names.takeMisses() }, log: log)
        return Task { await coder.run() }
    }

    func stop() { asking.withLock { $0.forEach { $0.cancel() } } }
}
