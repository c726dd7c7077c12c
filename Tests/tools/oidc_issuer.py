#!/usr/bin/env python3
"""A real OpenID Connect issuer for tests (oidc-provider-mock on Authlib), on 127.0.0.1 and a free port.

    oidc_issuer.py          # writes its port on standard output, and serves until it is ended

Beside the provider's own routes: PUT /users/NAME with claims as JSON, POST /test/rotate for a new signing key.
"""
import os

os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"

import flask
import oidc_provider_mock
from authlib import jose
from werkzeug.serving import make_server

app = oidc_provider_mock.app(require_nonce=True)


@app.post("/test/rotate")
def rotate():
    storage = flask.g.oidc_provider_mock_storage
    storage.jwk = jose.RSAKey.generate_key(is_private=True)
    return "", 204


server = make_server("127.0.0.1", 0, app, threaded=True)
print(server.port, flush=True)
server.serve_forever()
