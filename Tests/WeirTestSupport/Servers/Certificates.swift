/// An authority of this test's own, and what it vouches for: `openssl`.
package struct Certificates: Sendable {
    package static let canBeMade = Installed.program("openssl")

    private let directory: TemporaryDirectory

    /// Certificates for this machine (`here`), for another (`there`) and for a client (`client`).
    package init() throws {
        directory = try TemporaryDirectory()
        let made = try Program.shell(
            """
            set -e; cd "$0"
            new="-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
            openssl req -x509 $new -days 2 -subj /CN=authority -keyout ca.key -out ca.pem
            make() {
                openssl req $new -subj "/CN=$1" -keyout "$1.key" -out "$1.csr"
                printf 'subjectAltName=%s\\n' "$2" > "$1.ext"
                openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile "$1.ext" -out "$1.pem"
            }
            make here DNS:localhost,IP:127.0.0.1; make there DNS:elsewhere.example; make client DNS:client
            """, directory.path)
        guard made.status == 0 else { throw NotMade(errors: made.errors) }
    }

    /// Files, PEM.
    package var authority: String { directory.path("ca.pem") }
    package func certificate(_ name: String) -> String { directory.path("\(name).pem") }
    package func key(_ name: String) -> String { directory.path("\(name).key") }

    package struct NotMade: Error {
        package let errors: String
    }
}
