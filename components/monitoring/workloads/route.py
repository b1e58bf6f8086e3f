"""The way in from outside: an Ingress whose load balancer lets through who has signed in, and nobody else.

Annotations: https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/ingress/annotations/
"""

import json
from collections.abc import Mapping

import pulumi_kubernetes as k8s
from pydantic import SecretStr

from components.kubernetes.configuration import secret
from components.kubernetes.scope import Scope
from components.monitoring.settings import Route

CLIENT_SECRET = "monitoring-sign-in"  # noqa: S105 - a name


def declare_route(scope: Scope, route: Route, client_secret: SecretStr, ports: Mapping[str, int]) -> None:
    """One host for each tool; `ports` are the tools' Services."""
    provider = {
        "issuer": route.issuer,
        "authorizationEndpoint": route.authorization_endpoint,
        "tokenEndpoint": route.token_endpoint,
        "userInfoEndpoint": route.user_info_endpoint,
        "secretName": CLIENT_SECRET,
    }
    client = {"clientID": route.client_id, "clientSecret": client_secret.get_secret_value()}
    annotations = {
        "scheme": route.scheme,
        "target-type": "ip",
        "listen-ports": json.dumps([{"HTTPS": 443}]),
        "certificate-arn": route.certificate_arn,
        "auth-type": "oidc",
        "auth-idp-oidc": json.dumps(provider),
        "auth-on-unauthenticated-request": "authenticate",
        # Grafana and Prometheus lead from / to another page; Alertmanager answers there.
        "healthcheck-path": "/",
        "success-codes": "200-399",
    }
    k8s.networking.v1.Ingress(
        scope.resource_name("route"),
        metadata=scope.metadata(
            "monitoring",
            annotations={
                # Without a controller there is no address to wait for, and nothing else needs it.
                "pulumi.com/skipAwait": "true",
                **{f"alb.ingress.kubernetes.io/{name}": value for name, value in annotations.items()},
            },
        ),
        spec=k8s.networking.v1.IngressSpecArgs(
            ingress_class_name="alb",
            rules=[
                k8s.networking.v1.IngressRuleArgs(
                    host=route.host(tool),
                    http=k8s.networking.v1.HTTPIngressRuleValueArgs(
                        paths=[
                            k8s.networking.v1.HTTPIngressPathArgs(
                                path="/",
                                path_type="Prefix",
                                backend=k8s.networking.v1.IngressBackendArgs(
                                    service=k8s.networking.v1.IngressServiceBackendArgs(
                                        name=tool, port=k8s.networking.v1.ServiceBackendPortArgs(number=port)
                                    )
                                ),
                            )
                        ]
                    ),
                )
                for tool, port in ports.items()
            ],
        ),
        opts=scope.options(after=[secret(scope, "sign-in", CLIENT_SECRET, client)]),
    )
