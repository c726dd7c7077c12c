#if Server
import ConnlogCore
package import ConnlogSystem
import Crypto
import Synchronization

/// The views that people keep, in a file for each of them: `<directory>/<16 hex digits of the owner's hash>.json`.
///
/// A view's id begins with its owner's digits, so that a link finds it, and goes on at random, so that only a link does.
package final class ViewFiles: Sendable {
    /// Of one person.
    static let viewsMax = 100
    /// Who have any.
    static let peopleMax = 10_000
    static let fileBytesMax = 2 << 20

    /// Why something cannot be done.
    enum Problem: Error, Equatable {
        /// There is no such view, or it is somebody else's.
        case absent
        case tooMany(String)
        case disk(String)
    }

    private let directory: String
    private let fileSystem: any FileSystem
    /// One thing at a time.
    private let turn = Mutex(())

    package init(_ directory: String, fileSystem: any FileSystem = LocalFileSystem()) {
        self.directory = directory
        self.fileSystem = fileSystem
    }

    /// - Parameter owner: as in audit events, or the id of a user.
    func views(of owner: String) throws(Problem) -> [SavedView] {
        try locked { () throws(Problem) in try read(ViewFiles.digits(owner)) }
    }

    /// Whoever's it is.
    func view(_ id: String) throws(Problem) -> SavedView {
        guard ViewFiles.isID(id) else { throw .absent }
        let all = try locked { () throws(Problem) in try read(String(id.prefix(16))) }
        guard let view = all.first(where: { $0.id == id }) else { throw .absent }
        return view
    }

    /// Adds a view, or puts it in the place of the one of its id.
    /// - Parameter make: gets the id.
    func save<Failure: Error>(
        _ id: String?, of owner: String, _ make: (String) throws(Failure) -> SavedView
    ) throws -> SavedView {
        let digits = ViewFiles.digits(owner)
        return try turn.withLock { _ in
            var views = try read(digits)
            let place = id.map { id in views.firstIndex { $0.id == id } }
            if case .some(.none) = place { throw Problem.absent }
            let view = try make(id ?? digits + ViewFiles.random())
            if case .some(.some(let place)) = place {
                views[place] = view
            } else {
                if views.count >= ViewFiles.viewsMax {
                    throw Problem.tooMany("One person keeps at most \(ViewFiles.viewsMax) views; remove one first.")
                }
                if views.isEmpty { try refuseMorePeople() }
                views.append(view)
            }
            try write(views, digits)
            return view
        }
    }

    func remove(_ id: String, of owner: String) throws(Problem) {
        let digits = ViewFiles.digits(owner)
        try locked { () throws(Problem) in
            let views = try read(digits)
            let left = views.filter { $0.id != id }
            guard left.count < views.count else { throw .absent }
            try write(left, digits)
        }
    }

    // MARK: - Files

    private func locked<Value>(_ body: () throws(Problem) -> Value) throws(Problem) -> Value {
        let result = turn.withLock { _ -> Result<Value, Problem> in
            do throws(Problem) { return .success(try body()) } catch { return .failure(error) }
        }
        return try result.get()
    }

    private func path(_ digits: String) -> String { "\(directory)/\(digits).json" }

    private func read(_ digits: String) throws(Problem) -> [SavedView] {
        let path = path(digits)
        let bytes: [UInt8]
        do throws(SystemError) {
            var buffer = ByteBuffer()
            let file = try fileSystem.open(path, .read)
            while try file.read(into: &buffer, at: buffer.count, count: 64 << 10) > 0 {
                guard buffer.count <= ViewFiles.fileBytesMax else {
                    throw SystemError(code: Errno.invalid, call: "read", subject: path)
                }
            }
            bytes = buffer.array
        } catch {
            if error.code == Errno.notFound { return [] }
            throw .disk("\(error)")
        }
        guard let value = try? JSONValue(reading: bytes), let list = value["views"]?.array else {
            throw .disk("\(path) is damaged: move it away, or bring it back from a backup")
        }
        return list.compactMap { item in
            guard let id = item["id"]?.string, ViewFiles.isID(id) else { return nil }
            return try? SavedView(item, id: id)
        }
    }

    private func write(_ views: [SavedView], _ digits: String) throws(Problem) {
        let value: JSONValue = ["views": .array(views.map(\.json))]
        do throws(SystemError) {
            try WholeFile.write(ByteBuffer(value.document.utf8), to: path(digits), fileSystem)
        } catch { throw .disk("\(error)") }
    }

    private func refuseMorePeople() throws(Problem) {
        let files = (try? fileSystem.list(directory)) ?? []
        guard files.count >= ViewFiles.peopleMax else { return }
        throw .tooMany("\(ViewFiles.peopleMax) people keep views here, and there are no more; see \(directory).")
    }

    // MARK: - Ids

    private static func digits(_ owner: String) -> String {
        Hex.text(SHA256.hash(data: Array("connlog views 1 \(owner)".utf8)).prefix(8))
    }

    private static func random() -> String {
        var generator = SystemRandomNumberGenerator()
        return Hex.text((0..<8).map { _ in UInt8.random(in: .min ... .max, using: &generator) })
    }

    private static func isID(_ text: String) -> Bool {
        text.utf8.count == 32 && text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    }
}
#endif
