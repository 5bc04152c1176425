internal import NIOCore
internal import NIOHTTP1

/// One client's connection: it has so long to send a request, again to take the answer, and may then rest a while before
/// the next one. On the connection's event loop alone.
final class ScrapeHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    /// Between two requests: longer than most scrape intervals.
    private static let rest = TimeAmount.seconds(120)

    private let service: ScrapeService
    private let timeout: TimeAmount
    private let size: RequestSizeLimit
    private var head: HTTPRequestHead?
    private var limit: Scheduled<Void>?

    init(service: ScrapeService, timeout: TimeAmount, size: RequestSizeLimit) {
        self.service = service
        self.timeout = timeout
        self.size = size
    }

    func channelActive(context: ChannelHandlerContext) {
        allow(timeout, context)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        limit?.cancel()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            self.head = head
            allow(timeout, context)
        case .body: break
        case .end:
            guard let head else { return }
            self.head = nil
            limit?.cancel()
            size.reset()
            answer(head, context)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    private func answer(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        service.answer(head, on: context.eventLoop).whenSuccess { answer in
            let (handler, context) = bound.value
            handler.send(answer, to: head, context)
        }
    }

    private func send(_ answer: Answer, to head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        var headers = answer.headers
        headers.add(name: "Content-Length", value: "\(answer.body.readableBytes)")
        if !head.isKeepAlive { headers.add(name: "Connection", value: "close") }
        allow(timeout, context)
        context.write(
            wrapOutboundOut(
                .head(HTTPResponseHead(version: head.version, status: answer.status, headers: headers))), promise: nil)
        if head.method != .HEAD, answer.body.readableBytes > 0 {
            context.write(wrapOutboundOut(.body(.byteBuffer(answer.body))), promise: nil)
        }
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        context.writeAndFlush(wrapOutboundOut(.end(nil))).whenComplete { result in
            let (handler, context) = bound.value
            guard case .success = result, head.isKeepAlive else { return context.close(promise: nil) }
            // It may have sent the next one already.
            if handler.head == nil { handler.allow(Self.rest, context) }
        }
    }

    /// Closes the connection unless something is done by then.
    private func allow(_ time: TimeAmount, _ context: ChannelHandlerContext) {
        limit?.cancel()
        limit = context.eventLoop.scheduleTask(in: time) { [channel = context.channel] in
            channel.close(mode: .all, promise: nil)
        }
    }
}

/// Closes a connection whose request has more bytes than any scrape needs.
final class RequestSizeLimit: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    static let bytes = 64 << 10

    private var count = 0

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        count += unwrapInboundIn(data).readableBytes
        guard count <= Self.bytes else { return context.close(promise: nil) }
        context.fireChannelRead(data)
    }

    /// A request was whole.
    func reset() { count = 0 }
}
