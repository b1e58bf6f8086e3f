#!/bin/sh
# Fills the pod's own addresses into the declared configuration and starts nginx with it.
set -eu
: "${POD_IP:?}" "${API_ADDRESS:?}" "${STOREFRONT_ADDRESS:?}"
sed -e "s/@POD_IP@/$POD_IP/g" -e "s/@API@/$API_ADDRESS/g" -e "s/@STOREFRONT@/$STOREFRONT_ADDRESS/g" \
    /etc/gateway/nginx.conf >/run/gateway/nginx.conf
exec nginx -c /run/gateway/nginx.conf
