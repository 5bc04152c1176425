internal import CNATS
private import WeirExporterSupport

/// How one connection is made, in the library's words.
@safe
struct NatsOptions: ~Copyable {
    let pointer: OpaquePointer

    /// Without any, the library connects to a server of this machine.
    init() throws(NatsError) {
        var options: OpaquePointer?
        let status = unsafe natsOptions_Create(&options)
        guard status == NATS_OK, let made = unsafe options else {
            throw .library("no options: \(NatsLibrary.reason(status))")
        }
        unsafe pointer = made
    }

    deinit { unsafe natsOptions_Destroy(pointer) }

    /// - Parameter milliseconds: How long connecting may take.
    func set(_ server: NatsServer, _ settings: NatsSettings, milliseconds: Int64) throws(NatsError) {
        try check(unsafe natsOptions_SetURL(pointer, server.url))
        try check(unsafe natsOptions_SetName(pointer, "weir"))
        try check(unsafe natsOptions_SetTimeout(pointer, milliseconds))
        try check(unsafe natsOptions_SetAllowReconnect(pointer, false))
        try check(unsafe natsOptions_SetWriteDeadline(pointer, Int64(settings.publishTimeout / 1_000_000)))
        // Without it any certificate of a known authority would do, whosever it is. A server may also want TLS of those who
        // did not ask for it.
        try check(unsafe natsOptions_SetExpectedHostname(pointer, server.host))
        try logIn(settings.login)
        if server.isSecure || settings.tls.isOn { try secure(settings.tls) }
    }

    private func logIn(_ login: NatsSettings.Login) throws(NatsError) {
        if !login.credentialsFile.isEmpty {
            try checkFile(login.credentialsFile)
            try check(unsafe natsOptions_SetUserCredentialsFromFiles(pointer, login.credentialsFile, nil))
        } else if !login.user.isEmpty {
            let password = try secret(in: login.passwordFile)
            try check(unsafe natsOptions_SetUserInfo(pointer, login.user, password))
        } else if !login.tokenFile.isEmpty {
            let token = try secret(in: login.tokenFile)
            try check(unsafe natsOptions_SetToken(pointer, token))
        } else if !login.nkey.isEmpty {
            try checkFile(login.nkeySeedFile)
            try check(unsafe natsOptions_SetNKeyFromSeed(pointer, login.nkey, login.nkeySeedFile))
        }
    }

    private func secure(_ tls: NatsSettings.TLS) throws(NatsError) {
        try check(unsafe natsOptions_SetSecure(pointer, true))
        if !tls.caFile.isEmpty {
            try checkFile(tls.caFile)
            try check(unsafe natsOptions_LoadCATrustedCertificates(pointer, tls.caFile))
        }
        if !tls.certificateFile.isEmpty {
            try checkFile(tls.certificateFile)
            try checkFile(tls.keyFile)
            try check(unsafe natsOptions_LoadCertificatesChain(pointer, tls.certificateFile, tls.keyFile))
        }
    }

    private func secret(in path: String) throws(NatsError) -> String {
        var file = SecretFile(path)
        do throws(SecretFile.Failure) { return try file.line() } catch {
            throw .file(path: error.path, reason: error.reason)
        }
    }

    private func checkFile(_ path: String) throws(NatsError) {
        do throws(SecretFile.Failure) { try SecretFile(path).check() } catch {
            throw .file(path: error.path, reason: error.reason)
        }
    }

    private func check(_ status: natsStatus) throws(NatsError) {
        guard status == NATS_OK else { throw .library(NatsLibrary.reason(status)) }
    }
}
