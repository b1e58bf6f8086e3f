"""The rules in the provider's own types."""

import pulumi_cloudflare as cloudflare

from components.edge.rules import Action, Compress, DropQuery, Keep, Lifetime, Redirect, RewriteHeaders, Rule
from components.gateway.routes import IMAGE_TYPES, ROUTER_HEADERS

_Parameters = cloudflare.RulesetRuleActionParametersArgs
_Vary = cloudflare.RulesetRuleActionParametersVaryHeadersArgs

VARY: dict[str, cloudflare.RulesetRuleActionParametersVaryHeadersArgs] = {
    "accept-encoding": _Vary(action="normalize"),
    "accept": _Vary(action="normalize", media_types=list(IMAGE_TYPES)),
    "x-country": _Vary(action="passthrough"),
    "x-device": _Vary(action="passthrough"),
    "rsc": _Vary(action="passthrough"),
    **{name.lower(): _Vary(action="passthrough") for name in ROUTER_HEADERS},
}
"""What an origin's Vary may name. Any other header keeps an answer out of the cache."""


def ruleset_rule(rule: Rule) -> cloudflare.RulesetRuleArgs:
    """A rule as the provider takes it."""
    action, parameters = _action(rule.action)
    return cloudflare.RulesetRuleArgs(
        ref=rule.ref,
        description=rule.description,
        expression=rule.expression,
        action=action,
        action_parameters=parameters,
        enabled=True,
    )


def _action(action: Action) -> tuple[str, cloudflare.RulesetRuleActionParametersArgs]:
    match action:
        case Keep():
            return "set_cache_settings", _keep(action)
        case Lifetime():
            return "set_cache_control", _lifetime(action)
        case Compress():
            algorithms = [cloudflare.RulesetRuleActionParametersAlgorithmArgs(name=name) for name in action.algorithms]
            return "compress_response", _Parameters(algorithms=algorithms)
        case RewriteHeaders():
            return "rewrite", _rewrite(action)
        case Redirect():
            target = cloudflare.RulesetRuleActionParametersFromValueTargetUrlArgs(expression=action.target)
            return "redirect", _Parameters(
                from_value=cloudflare.RulesetRuleActionParametersFromValueArgs(
                    status_code=301, preserve_query_string=True, target_url=target
                )
            )
        case DropQuery():
            query = cloudflare.RulesetRuleActionParametersUriQueryArgs(value="")
            return "rewrite", _Parameters(uri=cloudflare.RulesetRuleActionParametersUriArgs(query=query))


def _keep(keep: Keep) -> cloudflare.RulesetRuleActionParametersArgs:
    if not keep.cache:
        return _Parameters(cache=False)
    return _Parameters(
        cache=True,
        # Overriding would strip Set-Cookie and keep the body; the origin's headers and the response rules decide.
        edge_ttl=cloudflare.RulesetRuleActionParametersEdgeTtlArgs(mode="respect_origin"),
        # The zone's default of four hours would beat a smaller max-age.
        browser_ttl=cloudflare.RulesetRuleActionParametersBrowserTtlArgs(mode="respect_origin"),
        serve_stale=cloudflare.RulesetRuleActionParametersServeStaleArgs(disable_stale_while_updating=False),
        respect_strong_etags=True,
        origin_error_page_passthru=True,
        cache_key=_cache_key(keep),
        vary=cloudflare.RulesetRuleActionParametersVaryArgs(
            default=cloudflare.RulesetRuleActionParametersVaryDefaultArgs(action="bypass"), headers=VARY
        ),
    )


def _cache_key(keep: Keep) -> cloudflare.RulesetRuleActionParametersCacheKeyArgs:
    return cloudflare.RulesetRuleActionParametersCacheKeyArgs(
        cache_by_device_type=keep.by_device,
        ignore_query_strings_order=True,
        custom_key=None if keep.query is None else _custom_key(keep.query),
    )


def _custom_key(query: tuple[str, ...]) -> cloudflare.RulesetRuleActionParametersCacheKeyCustomKeyArgs:
    included = cloudflare.RulesetRuleActionParametersCacheKeyCustomKeyQueryStringIncludeArgs(lists=list(query))
    nothing = cloudflare.RulesetRuleActionParametersCacheKeyCustomKeyQueryStringExcludeArgs(all=True)
    return cloudflare.RulesetRuleActionParametersCacheKeyCustomKeyArgs(
        query_string=cloudflare.RulesetRuleActionParametersCacheKeyCustomKeyQueryStringArgs(
            include=included if query else None, exclude=None if query else nothing
        ),
    )


def _lifetime(lifetime: Lifetime) -> cloudflare.RulesetRuleActionParametersArgs:
    if lifetime.no_store:
        return _Parameters(
            no_store=cloudflare.RulesetRuleActionParametersNoStoreArgs(operation="set", cloudflare_only=True)
        )
    revalidate, error = lifetime.stale_while_revalidate, lifetime.stale_if_error
    return _Parameters(
        max_age=cloudflare.RulesetRuleActionParametersMaxAgeArgs(
            operation="set", value=lifetime.max_age, cloudflare_only=True
        ),
        stale_while_revalidate=cloudflare.RulesetRuleActionParametersStaleWhileRevalidateArgs(
            operation="set", value=revalidate, cloudflare_only=True
        )
        if revalidate
        else None,
        stale_if_error=cloudflare.RulesetRuleActionParametersStaleIfErrorArgs(
            operation="set", value=error, cloudflare_only=True
        )
        if error
        else None,
    )


def _rewrite(rewrite: RewriteHeaders) -> cloudflare.RulesetRuleActionParametersArgs:
    header = cloudflare.RulesetRuleActionParametersHeadersArgs
    return _Parameters(
        headers={
            **{name: header(operation="set", value=value) for name, value in rewrite.values},
            **{name: header(operation="set", expression=text) for name, text in rewrite.expressions},
            **{name: header(operation="remove") for name in rewrite.removed},
        }
    )
