internal import NIOCore
internal import NIOHTTP1
private import Synchronization

/// What a request is answered with.
struct Answer: Sendable {
    var status: HTTPResponseStatus
    var headers: HTTPHeaders = [:]
    var body = ByteBuffer()

    /// A line for people.
    static func line(_ status: HTTPResponseStatus, _ text: String, headers: HTTPHeaders = [:]) -> Answer {
        var answer = Answer(status: status, headers: headers, body: ByteBuffer(string: text + "\n"))
        answer.headers.add(name: "Content-Type", value: "text/plain; charset=utf-8")
        return answer
    }
}

/// Decides what each request gets.
final class ScrapeService: Sendable {
    let path: String
    private let authorization: Authorization
    private let scrapes: Scrapes
    private let renderer: Renderer
    // Relaxed: counts that nothing depends on.
    private let answeredCount = Atomic<UInt64>(0)
    private let refusedCount = Atomic<UInt64>(0)

    init(path: String, authorization: Authorization, scrapes: Scrapes, renderer: Renderer) {
        self.path = path
        self.authorization = authorization
        self.scrapes = scrapes
        self.renderer = renderer
    }

    /// Scrapes that got an exposition.
    var answered: UInt64 { answeredCount.load(ordering: .relaxed) }

    /// Requests that got something else.
    var refused: UInt64 { refusedCount.load(ordering: .relaxed) }

    /// The answer to a request; its body is of no interest.
    func answer(_ head: HTTPRequestHead, on loop: any EventLoop) -> EventLoopFuture<Answer> {
        if let refusal = refusal(head) {
            refusedCount.add(1, ordering: .relaxed)
            return loop.makeSucceededFuture(refusal)
        }
        guard Self.path(of: head) == path else {
            return loop.makeSucceededFuture(.line(.ok, "Weir: Prometheus finds metrics at \(path)"))
        }
        let wanted = Negotiation(accept: head.headers["Accept"], acceptEncoding: head.headers["Accept-Encoding"])
        return scrapes.scrape(on: loop).flatMap { [renderer] published in
            renderer.body(of: published, as: wanted, on: loop)
        }.map { body in
            self.answeredCount.add(1, ordering: .relaxed)
            var headers: HTTPHeaders = [
                "Content-Type": wanted.format.contentType, "Vary": "Accept, Accept-Encoding",
            ]
            if let name = wanted.encoding.name { headers.add(name: "Content-Encoding", value: name) }
            return Answer(status: .ok, headers: headers, body: body)
        }.flatMapErrorThrowing { error in
            self.refusedCount.add(1, ordering: .relaxed)
            guard let fault = error as? Scrapes.Fault else {
                return .line(.internalServerError, "the metrics cannot be written: \(error)")
            }
            return .line(.serviceUnavailable, fault.message)
        }
    }

    /// What stands in a request's way.
    private func refusal(_ head: HTTPRequestHead) -> Answer? {
        switch authorization.check(head.headers.first(name: "Authorization")) {
        case nil: break
        case .wrong:
            return .line(
                .unauthorized, "not without authorization", headers: ["WWW-Authenticate": authorization.challenge])
        case .unreadable:
            return .line(.internalServerError, "the file that says who may scrape cannot be read")
        }
        guard [path, "/"].contains(Self.path(of: head)) else {
            return .line(.notFound, "nothing is here: metrics are at \(path)")
        }
        guard [.GET, .HEAD].contains(head.method) else {
            return .line(.methodNotAllowed, "metrics are there to be read", headers: ["Allow": "GET, HEAD"])
        }
        return nil
    }

    /// Without what follows a question mark.
    private static func path(of head: HTTPRequestHead) -> String {
        head.uri.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false).first.map(String.init) ?? ""
    }
}
