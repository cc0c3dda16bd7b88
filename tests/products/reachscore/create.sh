curl -X POST https://api.reachscore.co/v1/keys \
  -H "Authorization: Bearer rk_live_xxx" \
  -H "Content-Type: application/json" \
  -d '{
    "name": "CI/CD Pipeline",
    "scopes": ["tests:read", "tests:write"]
  }'
