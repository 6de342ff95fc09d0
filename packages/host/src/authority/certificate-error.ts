/** Why a certificate, a key or a request for a certificate is of no use. */
export class CertificateError extends Error {
  override readonly name = "CertificateError";
}
