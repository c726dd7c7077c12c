#if Server
import HTTPTypes

/// What a route wants of whoever asks. Each route names one (`Route.needs`); the gate asks for it before any handler.
///
///                     all is   open = true:        asked by a page   who may
///                     closed   this machine only   of another site
///     life            yes      no                  yes               anyone
///     readiness       yes      yes                 yes               anyone
///     anyone          no       yes                 yes               anyone
///     visitor         no       yes                 no                anyone
///     returner        no       yes                 yes               anyone
///     holder          no       yes                 no                whoever has a token
///     reader          no       yes                 no                auditor, admin
///     watcher         no       yes                 no                auditor, metrics, admin
///     watcherOfAll    no       yes                 no                the same, of all organizations
///     overseer        no       yes                 no                admin, of all organizations
///     writer          no       yes                 no                ingest, admin; not by a cookie
///                                                                 or the word of a proxy
///
/// All is closed without `[access]` and without `open = true`. Through the local socket everything is served.
enum Need: Sendable, CaseIterable {
    /// A sign of life.
    case life
    /// Whether it takes events and answers questions.
    case readiness
    /// The same for everybody, and nothing that anybody could want to know.
    case anyone
    /// Somebody who is no holder yet, or is about to be none any more.
    case visitor
    /// Somebody whom an issuer sends back, and whom a cookie ties to the sign-in that was begun here.
    case returner
    case holder
    case reader
    case watcher
    case watcherOfAll
    /// Who sees what others asked.
    case overseer
    case writer

    /// No token is asked for.
    var isNobody: Bool { [.life, .readiness, .anyone, .visitor, .returner].contains(self) }

    var isServedWhenClosed: Bool { self == .life || self == .readiness }

    /// With `open = true` it is this machine's alone.
    var isOfThisMachine: Bool { self != .life }

    /// A page of another site may make a browser ask for it.
    var isForOtherSites: Bool { isNobody && self != .visitor }

    /// Why a caller may not; `nil`: the caller may.
    func refusal(_ caller: Caller) -> APIError? {
        switch self {
        case .life, .readiness, .anyone, .visitor, .returner, .holder: nil
        case .reader: caller.role.mayRead ? nil : .forbidden
        case .watcher: caller.role.mayWatch ? nil : .forbidden
        case .watcherOfAll: !caller.role.mayWatch ? .forbidden : caller.isLimited ? .ofSomeOnly : nil
        case .overseer: caller.role != .admin ? .forbidden : caller.isLimited ? .ofSomeOnly : nil
        // A browser sends cookies along with what other sites make it send, and so does a proxy what it knows of it.
        case .writer: caller.role.mayWrite && !caller.isByBrowser ? nil : .forbidden
        }
    }
}

extension APIError {
    fileprivate static let ofSomeOnly = APIError(
        status: .forbidden, message: "Forbidden.",
        detail: "These figures count all organizations, and this token may see some of them only.")
}
#endif
