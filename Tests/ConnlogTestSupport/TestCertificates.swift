import ConnlogSystem
import Foundation

/// An authority of its own and certificates by it, made by the openssl command in a folder that goes with this.
package final class TestCertificates: Sendable {
    package static let isAvailable = FileManager.default.isExecutableFile(atPath: "/usr/bin/openssl")

    let folder: URL
    /// The authority's certificate.
    package var authority: String { path("ca.pem") }

    package init() throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("connlog-ca-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let settings = """
            [ca]
            default_ca = here
            [here]
            database = index.txt
            serial = serial
            new_certs_dir = .
            default_md = sha256
            policy = any
            copy_extensions = copy
            unique_subject = no
            [any]
            commonName = supplied
            """
        for (name, text) in [("ca.cnf", settings), ("index.txt", ""), ("serial", "1000")] {
            try Data(text.utf8).write(to: folder.appendingPathComponent(name))
        }
        let subject = "/CN=connlog test authority"
        try run(["req", "-x509", "-days", "2", "-subj", subject, "-out", "ca.pem"] + key("ca.key"))
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    package func path(_ name: String) -> String { folder.appendingPathComponent(name).path }

    /// Makes `<name>.pem` and `<name>.key`.
    /// - Parameters:
    ///   - names: whom it is for, such as `IP:127.0.0.1,DNS:localhost`; `nil` for no name but the common one.
    ///   - isExpired: it was good in January 2020 only.
    package func make(_ name: String, _ names: String?, isExpired: Bool = false) throws {
        let alternative = names.map { ["-addext", "subjectAltName=\($0)"] } ?? []
        try run(["req", "-new", "-subj", "/CN=\(name)", "-out", "\(name).csr"] + key("\(name).key") + alternative)
        let dates = isExpired ? ["-startdate", "20200101000000Z", "-enddate", "20200131000000Z"] : ["-days", "2"]
        try run(
            [
                "ca", "-batch", "-notext", "-config", "ca.cnf", "-cert", "ca.pem", "-keyfile", "ca.key", "-in",
                "\(name).csr", "-out", "\(name).pem",
            ] + dates)
    }

    /// Puts a pass phrase on `<name>.key`.
    package func encrypt(_ name: String) throws {
        try run(["ec", "-aes256", "-passout", "pass:secret", "-in", "\(name).key", "-out", "\(name).encrypted"])
        try FileManager.default.removeItem(atPath: path("\(name).key"))
        try FileManager.default.moveItem(atPath: path("\(name).encrypted"), toPath: path("\(name).key"))
    }

    private func key(_ file: String) -> [String] {
        ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", file]
    }

    private func run(_ arguments: [String]) throws {
        try SpawnedProgram.output(of: "/usr/bin/openssl", arguments, in: folder)
    }
}
