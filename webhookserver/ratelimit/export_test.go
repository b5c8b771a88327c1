package ratelimit

// Keys is how many clients are told apart now.
func (l *Limiter) Keys() int { return l.keys.Len() }
