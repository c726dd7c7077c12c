/// Replaces the references of values.
struct Expander {
    let environment: Environment
    /// What `${data_dir}` stands for; `nil` while that is being found out.
    var dataDirectory: String?

    /// A value without references.
    struct Expanded {
        var text = ""
        /// Part of it came from a file or a credential.
        var isFromFile = false
        /// Part of it would be a credential, which was not read.
        var isStandIn = false
        var secret: SecretReference
    }

    /// The value, or everything that is missing for it.
    func expand(_ template: Template) -> Result<Expanded, Missing> {
        var text = ""
        var pieces: [SecretPart] = []
        var problems: [Problem] = []
        var isStandIn = false
        for part in template.parts {
            switch part {
            case .text(let more):
                text += more
                pieces.append(.text(more))
            case .reference(.credential, _) where !environment.readsCredentials:
                isStandIn = true
                text += Environment.standIn
                pieces.append(.text(Environment.standIn))
            case .reference(let reference, let place):
                do throws(ReferenceError) {
                    let piece = try self.piece(reference)
                    text += try read(piece)
                    pieces.append(piece)
                } catch { problems.append(Problem(place: place, message: error.message)) }
            }
        }
        if !problems.isEmpty { return .failure(Missing(problems: problems)) }
        return .success(
            Expanded(
                text: text, isFromFile: pieces.contains { $0.isFile }, isStandIn: isStandIn,
                secret: SecretReference(origin: origin(of: template), parts: pieces)))
    }

    /// What could not be found.
    struct Missing: Error {
        let problems: [Problem]
    }

    struct Problem {
        let place: Place
        let message: String
    }

    private struct ReferenceError: Error {
        let message: String
    }

    private func piece(_ reference: Reference) throws(ReferenceError) -> SecretPart {
        switch reference {
        case .environment(let name, let fallback): return .text(try variable(name, default: fallback))
        case .file(let path): return .file(path: path)
        case .credential(let name): return .file(path: try credential(name))
        case .dataDirectory:
            guard let dataDirectory else {
                throw ReferenceError(message: "${data_dir} cannot be used here; write the path itself")
            }
            return .text(dataDirectory)
        }
    }

    private func read(_ piece: SecretPart) throws(ReferenceError) -> String {
        switch piece {
        case .text(let text): return text
        case .file(let path):
            do { return try SmallFile.value(path) } catch { throw ReferenceError(message: error.description) }
        }
    }

    private func variable(_ name: String, default fallback: String?) throws(ReferenceError) -> String {
        if let value = environment.value(name), !value.isEmpty {
            guard !value.contains(where: \.isNewline) else {
                throw ReferenceError(
                    message: "the environment variable \(name) holds more than one line; a value is one line")
            }
            return value
        }
        if let fallback { return fallback }
        let state = environment.value(name) == nil ? "not set" : "empty"
        throw ReferenceError(
            message: "the environment variable \(name) is \(state); set it, or write ${env:\(name):-default}")
    }

    private func credential(_ name: String) throws(ReferenceError) -> String {
        guard let folder = environment.value("CREDENTIALS_DIRECTORY"), !folder.isEmpty else {
            throw ReferenceError(
                message: "$CREDENTIALS_DIRECTORY is not set; start connlog with systemd and "
                    + "LoadCredential=\(shown(name)):/path, or write ${file:/path}")
        }
        return resolve(name, in: folder)
    }

    private func origin(of template: Template) -> SecretReference.Origin {
        guard template.parts.count == 1, case .reference(let reference, _)? = template.parts.first else {
            return template.hasReferences ? .composed : .literal
        }
        switch reference {
        case .environment(let name, _): return .environment(name: name)
        case .file(let path): return .file(path: path)
        case .credential(let name):
            return .credential(name: name, path: resolve(name, in: environment.value("CREDENTIALS_DIRECTORY") ?? ""))
        case .dataDirectory: return .composed
        }
    }
}
