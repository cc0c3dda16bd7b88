curl https://api.reachscore.co/v1/auth/me \
  -H "Authorization: Bearer rk_live_xxx"
