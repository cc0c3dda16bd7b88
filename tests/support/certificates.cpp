#include "support/certificates.hpp"

#include "support/child_process.hpp"

#include <stdexcept>
#include <vector>

namespace keygate::support {

namespace {

void openssl(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "openssl");
    ChildProcess process(arguments);
    if (process.wait() != 0) throw std::runtime_error("openssl failed: " + process.err());
}

} // namespace

Certificates::Certificates() {
    ca_ = {folder_.file("ca.pem"), folder_.file("ca.key")};
    openssl({"req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
             "-keyout", ca_.key, "-out", ca_.certificate, "-days", "30", "-subj", "/CN=authority"});
}

Certificates::Pair Certificates::make(const std::string& name, const std::string& names, int days,
                                      Key key) const {
    const Pair pair{folder_.file(name + ".pem"), folder_.file(name + ".key")};
    const std::string request = folder_.file(name + ".csr");
    std::vector<std::string> asked{"req",  "-new",  "-nodes", "-keyout",     pair.key,
                                   "-out", request, "-subj",  "/CN=" + name, "-newkey"};
    if (key == Key::rsa)
        asked.emplace_back("rsa:2048");
    else
        asked.insert(asked.end(), {"ec", "-pkeyopt", "ec_paramgen_curve:P-256"});
    openssl(asked);
    std::vector<std::string> signing{"x509",
                                     "-req",
                                     "-in",
                                     request,
                                     "-CA",
                                     ca_.certificate,
                                     "-CAkey",
                                     ca_.key,
                                     "-CAcreateserial",
                                     "-days",
                                     std::to_string(days),
                                     "-out",
                                     pair.certificate};
    if (!names.empty())
        signing.insert(
            signing.end(),
            {"-extfile", folder_.write(name + ".ext", "subjectAltName=" + names + "\n")});
    openssl(signing);
    return pair;
}

} // namespace keygate::support
