internal import CConnlog

/// Why TLS did not work, as OpenSSL has it, and in words for whoever has to mend it.
struct TLSFailure {
    enum Cause: Equatable {
        case system(Int32)
        /// The peer closed without a word.
        case end
        /// One of X509_V_ERR.
        case certificate(Int)
        /// The peer's alert (RFC 8446 §6).
        case alert(Int)
        case protocolBroken
        case file
    }

    let cause: Cause
    /// OpenSSL's words.
    let text: String
    // Of the certificate that is not good.
    var names = ""
    var issuer = ""
    var subject = ""
    var goodFrom = ""
    var goodUntil = ""

    init(_ failure: connlog_tls_failure) {
        let code = failure.code
        cause =
            switch Int(failure.kind) {
            case connlog_tls_by_system: .system(Int32(clamping: code))
            case connlog_tls_by_end: .end
            case connlog_tls_by_certificate: .certificate(code)
            case connlog_tls_by_alert: .alert(code)
            case connlog_tls_by_file: .file
            default: .protocolBroken
            }
        text = TLSFailure.string(failure.text)
        names = TLSFailure.string(failure.names)
        issuer = TLSFailure.string(failure.issuer)
        subject = TLSFailure.string(failure.subject)
        goodFrom = TLSFailure.string(failure.good_from)
        goodUntil = TLSFailure.string(failure.good_until)
    }

    /// A C array of characters, which Swift sees as a tuple.
    private static func string<Characters>(_ characters: Characters) -> String {
        unsafe withUnsafeBytes(of: characters) { memory in
            unsafe String(decoding: memory.prefix { $0 != 0 }, as: UTF8.self)
        }
    }

    /// - Parameter isHandshake: the session was not set up yet.
    func error(peer: String, host: String, _ settings: TLSSettings, isHandshake: Bool) -> SocketError {
        switch cause {
        case .system(let code): SocketError(code: code, peer, "TLS")
        case .end where isHandshake:
            SocketError(
                .cut, peer,
                "closed the connection while TLS was set up; does this port speak TLS, and does the receiver's log say "
                    + "what it did not like?")
        case .end: SocketError(.cut, peer, "the connection ended in the middle, without TLS's goodbye")
        case .certificate(let code): SocketError(.untrusted, peer, certificateWords(code, host, settings))
        case .alert(let number): SocketError(.tlsRefused, peer, alertWords(number, settings))
        case .protocolBroken, .file:
            SocketError(
                .tlsFailed, peer,
                "what came back is not TLS 1.2 or 1.3 (\(text)); does this port speak TLS, or is it the one for plain "
                    + "TCP?")
        }
    }

    // The numbers are X509_V_ERR_... of OpenSSL's x509_vfy.h, which has kept them since its first version.
    private func certificateWords(_ code: Int, _ host: String, _ settings: TLSSettings) -> String {
        switch code {
        case 64 where names.split(separator: ",").contains(where: { $0.drop { $0 == " " } == host }):
            "its certificate has \(host) as a DNS name, where an address must stand as an IP address; have it made with "
                + "IP:\(host), or connect by another name that it has"
        case 62, 64:
            "its certificate is for \(names), not for \(host); connect by a name that it has, or have it made for this "
                + "one"
        case 10:
            "the certificate of \(subject) expired on \(goodUntil); renew it at the receiver, unless the clock here is "
                + "wrong"
        case 9:
            "the certificate of \(subject) is not good before \(goodFrom); is the clock here right?"
        case 2, 18, 19, 20, 21:
            "its certificate was signed by \(issuer), which is not among the trusted authorities "
                + "(\(settings.authorityFile ?? "the system's")); name the right ones in tls_ca, or set tls_fingerprint"
        default:
            "its certificate is not good: \(text) (\(subject))"
        }
    }

    private func alertWords(_ number: Int, _ settings: TLSSettings) -> String {
        switch number {
        case 116: "wants a certificate of ours; set tls_cert and tls_key"
        case 40 where settings.certificateFile == nil:
            "broke off while TLS was set up (\(text)); if it wants a certificate of ours, set tls_cert and tls_key"
        case 42, 43, 44, 45, 46, 48, 49:
            "does not accept our certificate, \(settings.certificateFile ?? "none"): \(text); is it good still, and does "
                + "the receiver trust its authority?"
        case 70: "speaks no version of TLS from 1.2 on (\(text)); it has to be updated or configured"
        default: "broke off while TLS was set up: \(text); its own log may say why"
        }
    }
}
